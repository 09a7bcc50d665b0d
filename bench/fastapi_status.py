"""`python -m bench.fastapi_status PORT`: the monitor's main reply from a plain FastAPI service: the baseline."""

from __future__ import annotations

import sys
import threading
from datetime import datetime, timezone
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()
_lock = threading.Lock()
_entered = datetime.now(timezone.utc)
_state: dict[str, Any] = {"status": "idle", "current_task": "", "message": "", "task_info": None}
_stats = {"total_processed": 0, "low_confidence_count": 0, "sent_to_server": 0}


@app.get("/api/status")
async def status() -> dict[str, Any]:
    """Return the fields of the monitor's reply."""
    entered = _entered.isoformat(timespec="milliseconds")
    with _lock:
        return {
            "status": _state["status"],
            "timestamp": entered,
            "latest_state": {**_state, "timestamp": entered},
            "stats": dict(_stats),
            "node_id": "M5",
            "stale": True,
            "version": 1,
        }


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
