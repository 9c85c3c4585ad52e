"""Makes the Parquet files that the tests of their reader read.

    pip install pyarrow==26.0.1 && python3 tests/data/parquet/make_parquet.py

`stations.parquet` holds most types, nulls, nested columns and two row groups, packed by snappy; the others columns of the same
table in other codecs, encodings and versions of pages.
"""

import datetime
import decimal
import pathlib
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
SCHEMA = pa.schema([
    pa.field("id", pa.int32(), nullable=False),
    pa.field("station", pa.string()),
    pa.field("opened", pa.date32()),
    pa.field("measured", pa.timestamp("ms")),
    pa.field("starts", pa.time64("us")),
    pa.field("depth", pa.float64()),
    pa.field("fee", pa.decimal128(9, 2)),
    pa.field("visits", pa.uint64()),
    pa.field("manned", pa.bool_()),
    pa.field("mark", pa.binary()),
    pa.field("key", pa.uuid()),
    pa.field("place", pa.struct([("town", pa.string()), ("zone", pa.int16())])),
    pa.field("tags", pa.list_(pa.string())),
    pa.field("levels", pa.map_(pa.string(), pa.float32())),
])


def row(number: int) -> dict:
    day = datetime.date(2024, 3, 5) + datetime.timedelta(days=number)
    whole = {
        "id": number,
        "station": ["Lagoon", "Harbour", "Salt marsh\nnorth"][number % 3],
        "opened": day,
        "measured": datetime.datetime(2024, 3, 5, 14, 30, number, 250_000 * (number % 2)),
        "starts": datetime.time(9, 30),
        "depth": 12.5 + number,
        "fee": decimal.Decimal("1204.50") + number,
        "visits": 2**63 + number,
        "manned": number % 2 == 0,
        "mark": bytes([0xFF, number]),
        "key": uuid.UUID(int=number).bytes,
        "place": {"town": "Orsay", "zone": -number},
        "tags": ["tide", "wind"][: number % 3],
        "levels": [("low", 0.25), ("high", 4.0)],
    }
    return {**dict.fromkeys(SCHEMA.names), "id": number} if number == 4 else whole


def main() -> None:
    table = pa.Table.from_pylist([row(number) for number in range(1, 8)], schema=SCHEMA)
    pq.write_table(table, HERE / "stations.parquet", compression="snappy", row_group_size=4, store_schema=False)
    folder = HERE
    small = table.select(["id", "station", "measured", "fee", "tags"])
    for codec in ("none", "gzip", "brotli", "zstd", "lz4"):
        for version in ("1.0", "2.0"):
            name = f"{codec}-{version[0]}.parquet"
            pq.write_table(small, folder / name, compression=codec, data_page_version=version, use_dictionary=version == "1.0",
                           store_schema=False, write_statistics=False)
    plain = {"store_schema": False, "write_statistics": False, "use_dictionary": False}
    deltas = {"id": "DELTA_BINARY_PACKED", "station": "DELTA_LENGTH_BYTE_ARRAY", "measured": "BYTE_STREAM_SPLIT"}
    pq.write_table(small, folder / "deltas.parquet", column_encoding=deltas, **plain)
    pq.write_table(small.select(["station"]), folder / "prefixes.parquet", column_encoding={"station": "DELTA_BYTE_ARRAY"}, **plain)
    pq.write_table(small.select(["measured"]), folder / "int96.parquet", use_deprecated_int96_timestamps=True, **plain)


main()
