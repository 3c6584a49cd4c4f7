"""Makes one version of a model: fits at the pins, registers with its stamp, and sets it as the candidate."""

from collections.abc import Mapping

from assets.asset import ModelAsset
from assets.errors import BadOption
from assets.observe import name_of
from assets.reading import Inputs, called
from assets.stop import Stop
from assets.trained import Trained
from lakehouse.stamp import Stamp
from lakehouse.taken import FILES
from registry.model import Dataset, ModelVersion, TrainedModel


def make_model(inputs: Inputs, asset: ModelAsset, code: str, sequence: int) -> ModelVersion:
    """Registers the next version of a model, or finds the one that an earlier try of the same left behind."""
    read = inputs.read(asset)
    run, extra = inputs.run.id, inputs.extra
    stamp = Stamp(asset=asset.key, code=code, inputs=read.inputs, run=run, sequence=sequence, extra=extra)
    datasets = _datasets(inputs, asset, read.frames, stamp)

    def train() -> TrainedModel:
        trained = _trained(asset, read.frames, inputs.stop)
        inputs.confirm(asset)  # what cannot be published need not be kept in MLflow either
        return trained

    return inputs.models.save(name_of(asset.key), train, stamp, datasets, confirm=lambda: inputs.confirm(asset))


def _trained(asset: ModelAsset, frames: Mapping[str, object], stop: Stop) -> TrainedModel:
    trained = called(asset, frames, stop)
    if not isinstance(trained, Trained):
        raise BadOption(asset.where, f"what {asset.key} returns", type(trained).__name__, "assets.Trained")
    return TrainedModel(
        model=trained.model,
        features=trained.features,
        metrics=trained.metrics,
        parameters=trained.parameters,
        derived=trained.derived,
        example=trained.example,
        classes=trained.classes,
    )


def _datasets(inputs: Inputs, asset: ModelAsset, frames: Mapping[str, object], stamp: Stamp) -> tuple[Dataset, ...]:
    import pyarrow as pa

    datasets = []
    for parameter, reference in inputs.graph.inputs[asset.key].items():
        frame = frames[parameter]
        if isinstance(frame, pa.Table) and (read := stamp.inputs[reference.key]).table != FILES:
            location = inputs.location(reference).uri
            datasets.append(Dataset(key=reference.key, location=location, input=read, rows=frame))
    return tuple(datasets)
