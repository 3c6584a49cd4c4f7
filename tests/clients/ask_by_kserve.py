"""Asks a server by KServe's client of the Open Inference Protocol: `python ask_by_kserve.py ADDRESS MODEL`."""

import asyncio
import json
import sys

import numpy as np
from ask_by_triton import FLOWERS
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(model: str, *, binary: bool) -> InferRequest:
    inputs = []
    for name, values in FLOWERS.items():
        tensor = InferInput(name=name, shape=[len(values)], datatype="FP64")
        tensor.set_data_from_numpy(np.array(values, dtype=np.float64), binary_data=binary)
        inputs.append(tensor)
    return InferRequest(model_name=model, infer_inputs=inputs, request_id="flowers")


async def main(address: str, model: str) -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    found: dict[str, object] = {
        "live": await client.is_server_live(address),
        "ready": await client.is_server_ready(address),
        "model_ready": await client.is_model_ready(address, model),
    }
    for name, binary in (("as_json", False), ("as_bytes", True)):
        # This client leaves out the version that the body tells.
        headers: dict[str, str] = {}
        sent = request(model, binary=binary)
        answer = await client.infer(address, sent, model_name=model, response_headers=headers)
        told = {output.name: output.as_numpy().tolist() for output in answer.outputs}
        found[name] = {
            "predictions": told["prediction"],
            "version": headers["x-model-version"],
            "id": answer.id,
        }
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
