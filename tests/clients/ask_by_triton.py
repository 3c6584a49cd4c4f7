"""Asks a server by NVIDIA's client of the Open Inference Protocol: `python ask_by_triton.py ADDRESS MODEL`."""

import json
import sys

import numpy as np
import tritonclient.http as triton

FLOWERS = {
    "sepal_length": [5.1, 6.3],
    "sepal_width": [3.5, 3.3],
    "petal_length": [1.4, 6.0],
    "petal_width": [0.2, 2.5],
}


def asked(client: triton.InferenceServerClient, model: str, *, binary: bool, version: str) -> dict[str, object]:
    inputs = []
    for name, values in FLOWERS.items():
        tensor = triton.InferInput(name, [len(values)], "FP64")
        tensor.set_data_from_numpy(np.array(values, dtype=np.float64), binary_data=binary)
        inputs.append(tensor)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("prediction", "probabilities")]
    answer = client.infer(model, inputs, outputs=outputs, model_version=version, request_id="flowers")
    told = answer.get_response()
    return {
        "predictions": answer.as_numpy("prediction").tolist(),
        "shape": list(answer.as_numpy("probabilities").shape),
        "version": told["model_version"],
        "id": told["id"],
    }


def main(address: str, model: str) -> None:
    client = triton.InferenceServerClient(address)
    described = client.get_model_metadata(model)
    found: dict[str, object] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "version_ready": client.is_model_ready(model, "1"),
        "server": client.get_server_metadata()["extensions"],
        "takes": {each["name"]: each["datatype"] for each in described["inputs"]},
        "as_json": asked(client, model, binary=False, version=""),
        "as_bytes": asked(client, model, binary=True, version="1"),
    }
    try:
        client.infer(model, [triton.InferInput("sepal_length", [1], "FP64").set_data_from_numpy(np.array([1.0]))])
    except triton.InferenceServerException as error:
        found["refused"] = error.message()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
