"""`POST /predict`, as the routing knows it; `api.straight` answers."""

from starlette.routing import Route

from api.straight import PATH, Predict


def predict_route(predict: Predict) -> Route:
    """The path for whatever finds it by the routing: other methods, a mounted application, the documentation."""
    return Route(PATH, endpoint=predict, methods=["POST"], include_in_schema=False)
