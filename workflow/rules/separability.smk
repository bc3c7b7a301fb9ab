# How separable are labelled words? Requires: embeddings, selected tokens, labels.
# Makes: <results>/{silhouette,lda,planes}/{corpus}/{labelling}/
# 1. score_silhouette  silhouette coefficients, all layers of one model
# 2. score_lda         held-out accuracy of linear discriminant analysis, all layers of one model
# 3. project_words     words in a plane, for figures, all layers of one model
# One thread a job: Snakemake then keeps BLAS to one too, and small products are many times faster.


rule score_silhouette:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        selected="<results>/corpora/{corpus}/selected.parquet",
        embeddings=PLAN.model_embeddings,
        labels=PLAN.labels,
        code=PLAN.code("score_silhouette"),
    output:
        scores=ensure(
            "<results>/silhouette/{corpus}/{labelling}/{model}.parquet", non_empty=True
        ),
        words="<results>/word_scores/silhouette/{corpus}/{labelling}/{model}.parquet",
    log:
        "<logs>/score_silhouette/{corpus}/{labelling}/{model}.log",
    benchmark:
        "<benchmarks>/score_silhouette/{corpus}/{labelling}/{model}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=resources.analysis_memory,
        runtime=resources.analysis_time,
    params:
        options=PLAN.analysis_options("silhouette"),
        label_options=PLAN.label_options,
    message:
        "Silhouettes of {wildcards.labelling} in all layers of {wildcards.model}"
    shell:
        "python -m groundscope.commands.score_silhouette"
        " --tokens {input.tokens:q}"
        " --selected {input.selected:q}"
        " --embeddings {input.embeddings:q}"
        " --labelling {wildcards.labelling}"
        " --label-options {params.label_options:q}"
        " --options {params.options:q}"
        " --output {output.scores:q}"
        " --words {output.words:q}"
        " &> {log:q}"


rule score_lda:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        selected="<results>/corpora/{corpus}/selected.parquet",
        embeddings=PLAN.model_embeddings,
        labels=PLAN.labels,
        code=PLAN.code("score_lda"),
    output:
        scores=ensure(
            "<results>/lda/{corpus}/{labelling}/{model}.parquet", non_empty=True
        ),
        words="<results>/word_scores/lda/{corpus}/{labelling}/{model}.parquet",
        confusion="<results>/confusion/{corpus}/{labelling}/{model}.parquet",
    log:
        "<logs>/score_lda/{corpus}/{labelling}/{model}.log",
    benchmark:
        "<benchmarks>/score_lda/{corpus}/{labelling}/{model}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=resources.analysis_memory,
        runtime=resources.analysis_time,
    params:
        options=PLAN.analysis_options("lda"),
        label_options=PLAN.label_options,
    message:
        "Held-out LDA accuracy of {wildcards.labelling} in all layers of {wildcards.model}"
    shell:
        "python -m groundscope.commands.score_lda"
        " --tokens {input.tokens:q}"
        " --selected {input.selected:q}"
        " --embeddings {input.embeddings:q}"
        " --labelling {wildcards.labelling}"
        " --label-options {params.label_options:q}"
        " --options {params.options:q}"
        " --output {output.scores:q}"
        " --words {output.words:q}"
        " --confusion {output.confusion:q}"
        " &> {log:q}"


rule project_words:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        selected="<results>/corpora/{corpus}/selected.parquet",
        embeddings=PLAN.model_embeddings,
        labels=PLAN.labels,
        code=PLAN.code("project_words"),
    output:
        ensure("<results>/planes/{corpus}/{labelling}/{model}.parquet", non_empty=True),
    log:
        "<logs>/project_words/{corpus}/{labelling}/{model}.log",
    benchmark:
        "<benchmarks>/project_words/{corpus}/{labelling}/{model}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=resources.analysis_memory,
        runtime=resources.analysis_time,
    params:
        options=PLAN.analysis_options("planes"),
        label_options=PLAN.label_options,
    message:
        "Planes of {wildcards.labelling} in all layers of {wildcards.model}"
    shell:
        "python -m groundscope.commands.project_words"
        " --tokens {input.tokens:q}"
        " --selected {input.selected:q}"
        " --embeddings {input.embeddings:q}"
        " --labelling {wildcards.labelling}"
        " --label-options {params.label_options:q}"
        " --options {params.options:q}"
        " --output {output:q}"
        " &> {log:q}"
