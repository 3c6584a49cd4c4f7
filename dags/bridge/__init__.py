"""From jobs to Airflow: translated without it, rendered with it, done by the same code as everywhere."""
