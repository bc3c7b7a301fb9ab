# Treated minus control. Requires: word scores, embeddings, selected tokens, CKA.
# Makes: <results>/{contrasts,cka_contrasts,change_correlation}/{corpus}/
# 1. contrast_models      scores, paired over words
# 2. contrast_alignments  CKA with a third model, paired over words
# 3. correlate_changes    change (CKA) against clustering
# Apart, so that CKA makes no contrast of scores stale.


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


rule contrast_alignments:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        selected="<results>/corpora/{corpus}/selected.parquet",
        treated=PLAN.treated_embeddings,
        control=PLAN.control_embeddings,
        third=PLAN.model_embeddings,
        labels=PLAN.space_labels,
        code=PLAN.code("contrast_alignments"),
    output:
        ensure(
            "<results>/cka_contrasts/{corpus}/{contrast}--{model}.parquet",
            non_empty=True,
        ),
    log:
        "<logs>/contrast_alignments/{corpus}/{contrast}--{model}.log",
    benchmark:
        "<benchmarks>/contrast_alignments/{corpus}/{contrast}--{model}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=resources.alignment_memory(PLAN.ranked_words),
        runtime=resources.analysis_time,
    params:
        options=PLAN.contrast_cka_options,
        contrast_options=PLAN.contrast_options,
        labelling=PLAN.space_labelling,
        label_options=PLAN.space_label_options,
    message:
        "Contrast {wildcards.contrast} by CKA with {wildcards.model} on {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.contrast_alignments"
        " --contrast {wildcards.contrast}"
        " --tokens {input.tokens:q}"
        " --selected {input.selected:q}"
        " --treated {input.treated:q}"
        " --control {input.control:q}"
        " --third {input.third:q}"
        " --labelling {params.labelling:q}"
        " --label-options {params.label_options:q}"
        " --options {params.options:q}"
        " --contrast-options {params.contrast_options:q}"
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
