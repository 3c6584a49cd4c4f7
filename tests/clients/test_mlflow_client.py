"""MLflow's own client of a model server, as MLflow ships it, asks ours."""

from importlib.metadata import version

import pytest

from tests.api import served_models as models
from tests.api.running import Running

pytestmark = pytest.mark.slow

FLOWERS = [models.SETOSA, models.VIRGINICA]


def test_the_scoring_client_is_answered_whatever_it_is_given(server: Running) -> None:
    import pandas as pd
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    address = server.client.base_url
    client = ScoringServerClient(address.host, address.port)
    client.wait_server_ready(timeout=20)
    assert client.get_version() == version("mlflow")
    frame = pd.DataFrame(FLOWERS)
    assert client.invoke(frame).get_predictions()[0].tolist() == [0, 2]
    with_ratio = frame.assign(petal_ratio=frame.petal_length / frame.petal_width)
    assert client.invoke(with_ratio).get_predictions()[0].tolist() == [0, 2]
    assert client.invoke(with_ratio.to_numpy()).get_predictions()[0].tolist() == [0, 2]
    with pytest.raises(Exception, match="petal_width.*is required"):
        client.invoke(frame.drop(columns="petal_width"))
