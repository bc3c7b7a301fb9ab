# Published numbers beside ours. Requires: gathered tables, the study's key `replication`.
# Makes: <results>/replication/
# compare_published  one row a published number: ours, the difference, or that it was not run


rule compare_published:
    input:
        published=PLAN.published_files,
        tables=PLAN.replicated_tables,
        code=PLAN.code("compare_published"),
    output:
        ensure("<results>/replication/published.parquet", non_empty=True),
    log:
        "<logs>/compare_published.log",
    benchmark:
        "<benchmarks>/compare_published.jsonl"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=resources.grow(1000),
        runtime=resources.grow(20),
    params:
        published=PLAN.published_numbers,
    message:
        "Set published numbers beside ours"
    shell:
        "python -m groundscope.commands.compare_published"
        " --published {params.published:q}"
        " --tables {input.tables:q}"
        " --output {output:q}"
        " &> {log:q}"
