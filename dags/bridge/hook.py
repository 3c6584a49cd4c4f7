"""The lake of an Airflow connection, for tasks that others write."""

from airflow.sdk import BaseHook

from dags.bridge.connection import DEFAULT, TYPE, variables
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings


class LakelineHook(BaseHook):
    """The lake that a connection names; what it leaves open is the environment's to say."""

    conn_name_attr = "lakeline_conn_id"
    default_conn_name = DEFAULT
    conn_type = TYPE
    hook_name = "Lakeline"

    def __init__(self, lakeline_conn_id: str = DEFAULT) -> None:
        super().__init__()
        self.lakeline_conn_id = lakeline_conn_id

    def get_conn(self) -> Lake:
        """The lake, to be read: its versions, histories and rows."""
        given = variables(self.get_connection(self.lakeline_conn_id))
        return Lake(LakeSettings.from_env({name.lower(): value for name, value in given.items()}), self.log.info)
