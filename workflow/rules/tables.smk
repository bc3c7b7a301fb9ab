# Gathered tables. Requires: the parts of each analysis. Makes: <results>/tables/{analysis}.parquet
# gather_table  all parts of one analysis in one long table


rule gather_table:
    input:
        parts=PLAN.table_parts,
        code=PLAN.code("gather_table"),
    output:
        ensure("<results>/tables/{analysis}.parquet", non_empty=True),
    log:
        "<logs>/gather_table/{analysis}.log",
    benchmark:
        "<benchmarks>/gather_table/{analysis}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=resources.grow(1000),
        runtime=resources.grow(20),
    message:
        "Gather table {wildcards.analysis}"
    shell:
        "python -m groundscope.commands.gather_table"
        " --table {wildcards.analysis}"
        " --inputs {input.parts:q}"
        " --output {output:q}"
        " &> {log:q}"


rule tables:
    input:
        PLAN.all_tables(),
