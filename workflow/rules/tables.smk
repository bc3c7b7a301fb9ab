# Gathered tables. Requires: the parts of each table. Makes: <results>/tables/{table}.parquet
# gather_table  all parts of one table in one file


rule gather_table:
    input:
        parts=PLAN.table_parts,
        code=PLAN.code("gather_table"),
    output:
        ensure("<results>/tables/{table}.parquet", non_empty=True),
    log:
        "<logs>/gather_table/{table}.log",
    benchmark:
        "<benchmarks>/gather_table/{table}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=resources.grow(1000),
        runtime=resources.grow(20),
    message:
        "Gather table {wildcards.table}"
    shell:
        "python -m groundscope.commands.gather_table"
        " --table {wildcards.table}"
        " --inputs {input.parts:q}"
        " --output {output:q}"
        " &> {log:q}"


rule tables:
    input:
        PLAN.all_tables(),
