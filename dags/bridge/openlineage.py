"""What OpenLineage is told of a task: each version that it made, and each that it made it from.

Only OpenLineage's provider asks for it, and it alone brings what is imported here.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dags.bridge.events import News

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset


def facets(made: Mapping[str, News], addresses: Mapping[str, str]) -> "OperatorLineage[Dataset, Any]":
    """The datasets of a task that has ended; what it made and read again itself is told as made alone."""
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    return OperatorLineage(inputs=list(_inputs(made, addresses)), outputs=list(_outputs(made, addresses)))


def dataset(address: str) -> tuple[str, str]:
    """The namespace and the name of an asset, as OpenLineage spells them.

    >>> dataset("s3://bucket/lake/gold/iris"), dataset("file:///lake/gold/iris"), dataset("x-mlflow-model://iris")
    (('s3://bucket', 'lake/gold/iris'), ('file', '/lake/gold/iris'), ('mlflow', 'iris'))
    """
    parts = urlsplit(address)
    if parts.scheme == "file":
        return "file", parts.path
    if parts.scheme == "s3":
        return f"s3://{parts.netloc}", parts.path.lstrip("/")
    return "mlflow", f"{parts.netloc}{parts.path}"


def _inputs(made: Mapping[str, News], addresses: Mapping[str, str]) -> "Iterator[InputDataset]":
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset

    read = {each: None for news in made.values() for each in news.reads}
    for key, version in read:
        own = made.get(key)
        if key not in addresses or (own is not None and own.extra["version"] == version):
            continue
        namespace, name = dataset(addresses[key])
        told = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(version))
        yield InputDataset(namespace=namespace, name=name, facets={} if version is None else {"version": told})


def _outputs(made: Mapping[str, News], addresses: Mapping[str, str]) -> "Iterator[OutputDataset]":
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset, output_statistics_output_dataset

    for key, news in made.items():
        namespace, name = dataset(addresses[key])
        rows = news.extra["rows"]
        counted = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)  # type: ignore[arg-type]
        version = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(news.extra["version"]))
        yield OutputDataset(
            namespace=namespace,
            name=name,
            facets={"version": version},
            outputFacets={} if rows is None else {"outputStatistics": counted},
        )
