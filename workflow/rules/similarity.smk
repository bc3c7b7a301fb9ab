# How alike are representations? Requires: embeddings, selected tokens. Makes: <results>/{cka,pairs}/
# 1. compare_cka    all layers of one model with all layers of another
# 2. compare_pairs  cosine similarity of word pairs, all layers of one model
# One thread a job: Snakemake then keeps BLAS to one too, and small products are many times faster.


rule compare_cka:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        selected="<results>/corpora/{corpus}/selected.parquet",
        left=PLAN.left_embeddings,
        right=PLAN.right_embeddings,
        labels=PLAN.space_labels,
        code=PLAN.code("compare_cka"),
    output:
        ensure("<results>/cka/{corpus}/{left}--{right}.parquet", non_empty=True),
    log:
        "<logs>/compare_cka/{corpus}/{left}--{right}.log",
    benchmark:
        "<benchmarks>/compare_cka/{corpus}/{left}--{right}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=resources.alignment_memory(PLAN.ranked_words),
        runtime=resources.analysis_time,
    params:
        options=PLAN.cka_options,
        labelling=PLAN.space_labelling,
        label_options=PLAN.space_label_options,
    message:
        "CKA of all layers of {wildcards.left} and {wildcards.right} on {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.compare_cka"
        " --tokens {input.tokens:q}"
        " --selected {input.selected:q}"
        " --left {input.left:q}"
        " --right {input.right:q}"
        " --labelling {params.labelling:q}"
        " --label-options {params.label_options:q}"
        " --options {params.options:q}"
        " --output {output:q}"
        " &> {log:q}"


rule compare_pairs:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        selected="<results>/corpora/{corpus}/selected.parquet",
        embeddings=PLAN.model_embeddings,
        groups=PLAN.pair_groups,
        word_map=PLAN.word_map,
        code=PLAN.code("compare_pairs"),
    output:
        pairs=ensure("<results>/pairs/{corpus}/{model}.parquet", non_empty=True),
        values="<results>/pair_values/{corpus}/{model}.parquet",
        words="<results>/word_scores/pairs/{corpus}/{model}.parquet",
    log:
        "<logs>/compare_pairs/{corpus}/{model}.log",
    benchmark:
        "<benchmarks>/compare_pairs/{corpus}/{model}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=resources.analysis_memory,
        runtime=resources.analysis_time,
    params:
        options=PLAN.analysis_options("pairs"),
        label_options=PLAN.pair_group_options,
    message:
        "Similarity of word pairs in all layers of {wildcards.model} on {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.compare_pairs"
        " --tokens {input.tokens:q}"
        " --selected {input.selected:q}"
        " --embeddings {input.embeddings:q}"
        " --label-options {params.label_options:q}"
        " --word-map {input.word_map:q}"
        " --options {params.options:q}"
        " --output {output.pairs:q}"
        " --values {output.values:q}"
        " --words {output.words:q}"
        " &> {log:q}"
