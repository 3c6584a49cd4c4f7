"""What an Airflow is told of Lakeline where the package is installed beside it."""

from importlib.metadata import version


def info() -> dict[str, object]:
    """The entry point `apache_airflow_provider`: a connection type, its hook and the buttons of the tasks."""
    return {
        "package-name": "lakeline",
        "name": "Lakeline",
        "description": "Delta tables and MLflow models as versioned assets.",
        "versions": [version("lakeline")],
        "connection-types": [
            {
                "connection-type": "lakeline",
                "hook-class-name": "dags.bridge.hook.LakelineHook",
                "hook-name": "Lakeline",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port"],
                    "relabeling": {"host": "Lake root", "login": "Access key", "password": "Secret key"},
                    "placeholders": {
                        "host": "s3://bucket/prefix",
                        "extra": '{"aws_endpoint_url": "https://...", "mlflow_tracking_uri": "https://..."}',
                    },
                },
            }
        ],
        "extra-links": ["dags.bridge.links.RunLink", "dags.bridge.links.VersionLink"],
    }
