"""One training kept in MLflow: a run with its datasets and its model, registered once, whatever crashed before."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lakehouse.errors import CommitTaken
from lakehouse.stamp import Stamp
from registry import flavors
from registry.door import is_missing, told, tracking
from registry.errors import ModelRefused, RegistryRefused
from registry.journal import Told
from registry.model import Dataset, ModelVersion, TrainedModel
from registry.process import is_at_work, mark
from registry.settings import RegistrySettings
from registry.signature import GarbledCategories, categories_of, golden_of, nullable_in, signature_of
from registry.tags import FINGERPRINT, LOGGED, PROCESS, tags_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run
    from mlflow.entities.model_registry import ModelVersion as Registered
    from mlflow.entities.model_registry import RegisteredModel

Hook = Callable[[str], None]
"""Told each point at which a crash leaves something half done; tests crash there."""


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Puts one training into MLflow. `train` is called only where no earlier try of the same left a model behind."""

    settings: RegistrySettings
    client: "MlflowClient"
    journal: Told
    name: str
    stamp: Stamp
    passing: Hook

    def registered(self, train: Callable[[], TrainedModel], datasets: Sequence[Dataset]) -> ModelVersion:
        """The version to be journaled: found, or made."""
        with told(self.settings, f"look for an earlier try of {self.name!r}"):
            model = self._model()
            version = self._left_behind(model)
            run = self._logged_before() if version is None else self.client.get_run(version.run_id or "")
        if run is None:
            trained = train()
            with told(self.settings, f"keep a training of {self.name!r}"):
                run = self._logged(trained, datasets)
        with told(self.settings, f"register {self.name!r}"):
            if version is None:
                self.passing("logged")
                version = self._registered(run)
            self._tag(version)
            if run.info.status != "FINISHED":
                self.client.set_terminated(run.info.run_id, "FINISHED")
        self.passing("registered")
        return self._described(model, version, run)

    def _model(self) -> "RegisteredModel":
        from mlflow.exceptions import MlflowException

        with is_missing() as missing:
            return self.client.get_registered_model(self.name)
        assert missing
        try:
            return self.client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self.client.get_registered_model(self.name)

    def _left_behind(self, model: "RegisteredModel") -> "Registered | None":
        """The version that an earlier try registered and did not come to journal."""
        told_of = {(v.model_id, v.version) for v in self.journal.versions(self.name)}
        same = f"name = '{self.name}' and tag.`{FINGERPRINT}` = '{self.stamp.fingerprint}'"
        for version in self.client.search_model_versions(same):
            if (str(model.creation_timestamp), int(version.version)) not in told_of:
                self._let_finish(version.tags, version.creation_timestamp)
                return version
        return None

    def _logged_before(self) -> "Run | None":
        """The run that an earlier try finished logging and did not come to register; half logged ones are closed."""
        same = f"tags.`{FINGERPRINT}` = '{self.stamp.fingerprint}' and attributes.status = 'RUNNING'"
        found: Run | None = None
        for run in self.client.search_runs([self._experiment()], same):
            self._let_finish(run.data.tags, run.info.start_time)
            if found is None and LOGGED in run.data.tags:
                found = run
            else:
                self.client.set_terminated(run.info.run_id, "FAILED")
        return found

    def _let_finish(self, tags: dict[str, str], since_milliseconds: int) -> None:
        since = datetime.fromtimestamp(since_milliseconds / 1000, UTC)
        if is_at_work(tags.get(PROCESS, ""), since, datetime.now(UTC)):
            raise CommitTaken(self.stamp.asset, self.stamp.sequence)

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name = self.settings.experiment
        found = self.client.get_experiment_by_name(name)
        if found is None:
            place = None if self.settings.is_server else self.settings.artifacts.as_uri()
            try:
                return str(self.client.create_experiment(name, artifact_location=place))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = self.client.get_experiment_by_name(name)
        if found is None:
            raise RegistryRefused(
                self.settings.address, f"make the experiment {name!r}", "it was made and is not there"
            )
        return str(found.experiment_id)

    def _logged(self, trained: TrainedModel, datasets: Sequence[Dataset]) -> "Run":
        from mlflow.entities import Metric, Param, RunTag

        asked = flavors.fitted(self.name, trained.model)
        frame, answers = flavors.checked_example(self.name, trained, asked)
        self._refuse_garbled(asked)
        signature, golden = signature_of(frame, answers, nullable_in(datasets)), golden_of(asked, frame)
        with self._run() as run_id:
            now = int(datetime.now(UTC).timestamp() * 1000)
            self.client.log_batch(
                run_id,
                metrics=[Metric(key, float(value), now, 0) for key, value in trained.metrics.items()],
                params=[Param(key, str(value)) for key, value in trained.parameters.items()],
                tags=[
                    RunTag("lakeline.features", json.dumps(trained.features)),
                    RunTag("lakeline.derived", json.dumps(dict(trained.derived))),
                ],
            )
            self.client.log_inputs(run_id, [_dataset_input(dataset) for dataset in datasets])
            address = flavors.log(trained, asked, frame, signature, golden)
            self.client.set_tag(run_id, LOGGED, address)
        return self.client.get_run(run_id)

    def _refuse_garbled(self, asked: flavors.Fitted) -> None:
        try:
            if asked.booster is not None:
                categories_of(asked.booster)
        except GarbledCategories as error:
            raise ModelRefused(self.name, str(error)) from error

    @contextmanager
    def _run(self) -> Iterator[str]:
        """A new run that is the active one; stays RUNNING, as its model is not registered yet."""
        import mlflow

        tags = {**tags_of(self.stamp, mark()), "mlflow.source.name": "lakeline", "mlflow.source.type": "JOB"}
        title = f"{self.name} {self.stamp.run}"
        run_id = str(self.client.create_run(self._experiment(), tags=tags, run_name=title).info.run_id)
        try:
            with tracking(self.settings):
                mlflow.start_run(run_id=run_id)
                try:
                    yield run_id
                finally:
                    mlflow.end_run("RUNNING")
        except BaseException:
            self.client.set_terminated(run_id, "FAILED")
            raise

    def _registered(self, run: "Run") -> "Registered":
        address = run.data.tags[LOGGED]
        with tracking(self.settings):  # a client looks its own logged model up in whatever store is the process's
            return self.client.create_model_version(
                self.name,
                source=address,
                run_id=run.info.run_id,
                tags=tags_of(self.stamp, mark()),
                model_id=address.removeprefix("models:/"),
            )

    def _tag(self, version: "Registered") -> None:
        """Makes the tags of something found tell of this run, which is the one that publishes it."""
        tags = tags_of(self.stamp, mark())
        for key, value in tags.items():
            if version.tags.get(key) != value:
                self.client.set_model_version_tag(self.name, str(version.version), key, value)
        run_id = version.run_id or ""
        known = self.client.get_run(run_id).data.tags
        for key, value in tags.items():
            if known.get(key) != value:
                self.client.set_tag(run_id, key, value)

    def _described(self, model: "RegisteredModel", version: "Registered", run: "Run") -> ModelVersion:
        return ModelVersion(
            name=self.name,
            version=int(version.version),
            model_id=str(model.creation_timestamp),
            run_id=run.info.run_id,
            stamp=self.stamp,
            metrics=dict(run.data.metrics),
            features=tuple(json.loads(run.data.tags.get("lakeline.features", "[]"))),
            source=version.source or "",
            at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        )


def _dataset_input(dataset: Dataset) -> "DatasetInput":
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag
    from mlflow.types.utils import _infer_schema

    # As a number, MLflow would drop version 0.
    source = DeltaDatasetSource(path=dataset.location, delta_table_version=str(dataset.input.version))  # type: ignore[arg-type]
    schema = _infer_schema(dataset.rows.slice(0, 100).to_pandas())
    entity = Entity(
        name=dataset.key,
        digest=digest(dataset),
        source_type="delta_table",
        source=json.dumps(source.to_dict()),
        schema=json.dumps({"mlflow_colspec": schema.to_dict()}),
        profile=json.dumps({"num_rows": dataset.rows.num_rows, "num_columns": dataset.rows.num_columns}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])


def digest(dataset: Dataset) -> str:
    """What MLflow can search a dataset by: the version, and eight digits that tell the table from one made anew."""
    return f"v{dataset.input.version}-{short_table(dataset.input.table)}"


def short_table(table_id: str) -> str:
    """Eight hex digits of a table's identity."""
    return hashlib.sha256(table_id.encode()).hexdigest()[:8]
