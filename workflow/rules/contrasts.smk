# Treated minus control. Requires: word scores, CKA.
# Makes: <results>/{contrasts,change_correlation}/{corpus}/
# 1. contrast_models    differences paired over words
# 2. correlate_changes  change (CKA) against clustering; apart, so that CKA makes no contrast stale


rule contrast_models:
    input:
        treated=PLAN.treated_scores,
        control=PLAN.control_scores,
        code=PLAN.code("contrast_models"),
    output:
        ensure("<results>/contrasts/{corpus}/{contrast}.parquet", non_empty=True),
    log:
        "<logs>/contrast_models/{corpus}/{contrast}.log",
    benchmark:
        "<benchmarks>/contrast_models/{corpus}/{contrast}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=resources.grow(2000),
        runtime=resources.grow(30),
    params:
        options=PLAN.contrast_options,
    message:
        "Contrast {wildcards.contrast} on {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.contrast_models"
        " --contrast {wildcards.contrast}"
        " --treated {input.treated:q}"
        " --control {input.control:q}"
        " --options {params.options:q}"
        " --output {output:q}"
        " &> {log:q}"


rule correlate_changes:
    input:
        contrasts="<results>/contrasts/{corpus}/{contrast}.parquet",
        cka=PLAN.contrast_cka,
        code=PLAN.code("correlate_changes"),
    output:
        ensure(
            "<results>/change_correlation/{corpus}/{contrast}.parquet", non_empty=True
        ),
    log:
        "<logs>/correlate_changes/{corpus}/{contrast}.log",
    benchmark:
        "<benchmarks>/correlate_changes/{corpus}/{contrast}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=resources.grow(1000),
        runtime=resources.grow(20),
    params:
        options=PLAN.change_options,
    message:
        "Correlate change with clustering in contrast {wildcards.contrast} on {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.correlate_changes"
        " --contrast {wildcards.contrast}"
        " --contrasts {input.contrasts:q}"
        " --cka {input.cka:q}"
        " --options {params.options:q}"
        " --output {output:q}"
        " &> {log:q}"
