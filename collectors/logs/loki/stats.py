"""The statistics of an answer, in the shape that Loki gives them."""

from __future__ import annotations

from typing import Any

_CHUNK = {
    "headChunkBytes": 0,
    "headChunkLines": 0,
    "decompressedBytes": 0,
    "decompressedLines": 0,
    "compressedBytes": 0,
    "totalDuplicates": 0,
}


def stats(read: int, lines: int, returned: int, seconds: float) -> dict[str, Any]:
    """Of `read` bytes of files in which `lines` entries were looked at; `returned` are those in the answer."""
    store = {
        "totalChunksRef": 0,
        "totalChunksDownloaded": 0,
        "chunksDownloadTime": 0,
        "chunk": {**_CHUNK, "decompressedBytes": read, "decompressedLines": lines},
    }
    return {
        "summary": {
            "bytesProcessedPerSecond": round(read / seconds) if seconds else 0,
            "linesProcessedPerSecond": round(lines / seconds) if seconds else 0,
            "totalBytesProcessed": read,
            "totalLinesProcessed": lines,
            "execTime": seconds,
            "queueTime": 0,
            "subqueries": 0,
            "totalEntriesReturned": returned,
            "splits": 0,
            "shards": 0,
        },
        "querier": {"store": store},
        "ingester": {
            "totalReached": 0,
            "totalChunksMatched": 0,
            "totalBatches": 0,
            "totalLinesSent": 0,
            "store": {**store, "chunk": _CHUNK},
        },
    }
