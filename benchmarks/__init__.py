"""What Lakeline claims about speed, measured."""
