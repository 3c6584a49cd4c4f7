"""The code version of an asset, and what of it changed; `version` tells what counts."""

from assets.code.cause import code_cause, kept
from assets.code.names import declares
from assets.code.version import CodeVersion, code_version, code_versions, told_version

__all__ = ["CodeVersion", "code_cause", "code_version", "code_versions", "declares", "kept", "told_version"]
