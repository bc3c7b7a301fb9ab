# Treated minus control. Requires: word scores, CKA. Makes: <results>/contrasts/{corpus}/
# contrast_models  differences paired over words, and change against clustering


rule contrast_models:
    input:
        treated=PLAN.treated_scores,
        control=PLAN.control_scores,
        cka=PLAN.contrast_cka,
        code=PLAN.code("contrast_models"),
    output:
        contrasts=ensure(
            "<results>/contrasts/{corpus}/{contrast}.parquet", non_empty=True
        ),
        correlations="<results>/change_correlation/{corpus}/{contrast}.parquet",
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
        " --cka {input.cka:q}"
        " --options {params.options:q}"
        " --output {output.contrasts:q}"
        " --correlations {output.correlations:q}"
        " &> {log:q}"
