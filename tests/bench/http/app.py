"""The same answer from FastAPI, for uvicorn: what a Python service of one process does."""
from fastapi import FastAPI

app = FastAPI(openapi_url=None)


@app.get("/health")
async def health():
    return {"status": "ok", "version": "0.1.0", "uptime_seconds": 12345.6, "pad": "x" * 130}
