def join_parquet(parts):
    return parts
