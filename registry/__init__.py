"""MLflow: registered models, their journal, and the moves of their aliases."""
