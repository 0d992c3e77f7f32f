"""Steps of the records' tables, applied in order by ``records.migrate``."""
