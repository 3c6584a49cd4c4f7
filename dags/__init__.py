"""Airflow: the only room that knows it."""
