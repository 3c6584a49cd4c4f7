"""A worker that tells, when it has ended in order, what it had loaded."""

import json
import os
import sys

from api.worker import main

HEAVY = ("mlflow", "pyspark", "deltalake", "duckdb", "airflow", "sklearn", "pandas")

if __name__ == "__main__":
    main(sys.argv[1:])
    loaded = [name for name in HEAVY if name in sys.modules]
    print(json.dumps({"loaded": loaded, "threads": os.environ["OMP_NUM_THREADS"]}), flush=True)
