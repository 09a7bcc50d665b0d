"""`python -m bench.fastapi_status PORT`: the monitor's main reply from a plain FastAPI service: the baseline."""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime, timezone
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()
_lock = threading.Lock()
_begun = time.monotonic()
_state: dict[str, Any] = {"status": "idle", "current_task": "", "message": "", "task_info": None}
_stats = {"total_processed": 0, "low_confidence_count": 0, "sent_to_server": 0}
_seconds = {"idle": 0.0, "detecting": 0.0, "sending": 0.0}


@app.get("/api/status")
async def status() -> dict[str, Any]:
    """Return the same fields as the monitor."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    with _lock:
        return {
            "status": _state["status"],
            "timestamp": now,
            "latest_state": dict(_state),
            "stats": dict(_stats),
            "recent_alerts": [],
            "node_id": "M5",
            "state_age_seconds": round(time.monotonic() - _begun, 3),
            "state_seconds": dict(_seconds),
            "stale": True,
            "version": 1,
        }


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
