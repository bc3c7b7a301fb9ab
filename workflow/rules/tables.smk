# Gathered tables. Requires: the parts of each table. Makes: <results>/tables/{table}.parquet
# gather_table    all parts of one table in one file
# summarise_jobs  what the jobs took: time, memory, GPU hours (a target by itself)


localrules:
    summarise_jobs,


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
        mem_mb=resources.gathering_memory,
        runtime=resources.grow(20),
    message:
        "Gather table {wildcards.table}"
    shell:
        "python -m groundscope.commands.gather_table"
        " --table {wildcards.table}"
        " --inputs {input.parts:q}"
        " --output {output:q}"
        " &> {log:q}"


rule summarise_jobs:
    log:
        "<logs>/summarise_jobs.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        benchmarks=f"{STUDY['results']}/benchmarks",
        on_gpu=PLAN.models_on_gpu(),
        table=f"{STUDY['results']}/tables/jobs.parquet",
    shell:
        "python -m groundscope.commands.summarise_jobs"
        " --benchmarks {params.benchmarks:q}"
        " --on-gpu {params.on_gpu:q}"
        " --output {params.table:q}"
        " 2> {log:q}"


rule tables:
    input:
        PLAN.all_tables(),
