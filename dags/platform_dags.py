"""All DAGs of the platform, made from the jobs that the definitions declare: the one file that Airflow parses."""

from airflow.sdk import get_parsing_context

from dags.bridge.parse import dags

globals().update(dags(only=get_parsing_context().dag_id))
