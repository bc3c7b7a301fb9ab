# Word tokens. Requires: what the corpora of the study name; network on the login node for datasets.
# Makes: <results>/datasets/{dataset}/, <results>/aligned/{corpus}/, <results>/corpora/{corpus}/
# 1. fetch_dataset   pinned download, such as WordNet
#    align_words     where the words of transcripts are
# 2. prepare_corpus  token table (and audio, where it is synthesized)
# 3. select_tokens   the tokens that every compared model has a vector for


localrules:
    fetch_dataset,


rule fetch_dataset:
    input:
        code=PLAN.code("fetch_dataset"),
    output:
        manifest="<results>/datasets/{dataset}/manifest.json",
    log:
        "<logs>/fetch_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/fetch_dataset/{dataset}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    params:
        options=PLAN.dataset_options,
    message:
        "Fetch data set {wildcards.dataset}"
    shell:
        "python -m groundscope.commands.fetch_dataset"
        " --name {wildcards.dataset}"
        " --options {params.options:q}"
        " --output {output.manifest:q}"
        " &> {log:q}"


rule align_words:
    input:
        manifest=PLAN.align_files,
        checkpoint=PLAN.align_manifest,
        code=PLAN.code("align_words"),
    output:
        words="<results>/aligned/{corpus}/words.parquet",
        report="<results>/aligned/{corpus}/report.parquet",
    log:
        "<logs>/align_words/{corpus}.log",
    benchmark:
        "<benchmarks>/align_words/{corpus}.jsonl"
    wildcard_constraints:
        corpus=extraction.one_of(PLAN.aligned_corpora()),
    conda:
        "../../envs/alignment.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=resources.grow(4000),
        runtime=resources.grow(240),
    params:
        options=PLAN.align_options,
    message:
        "Find the words of the transcripts of {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.align_words"
        " --name {wildcards.corpus}"
        " --options {params.options:q}"
        " --checkpoint {input.checkpoint:q}"
        " --workers {threads}"
        " --output {output.words:q}"
        " --report {output.report:q}"
        " &> {log:q}"


rule prepare_corpus:
    input:
        files=PLAN.corpus_files,
        aligned=PLAN.aligned_words,
        code=PLAN.code("prepare_corpus"),
    output:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        report="<results>/corpora/{corpus}/report.parquet",
        audio=directory("<results>/corpora/{corpus}/audio"),
    log:
        "<logs>/prepare_corpus/{corpus}.log",
    benchmark:
        "<benchmarks>/prepare_corpus/{corpus}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    threads: 4
    resources:
        mem_mb=resources.grow(2000),
        runtime=resources.grow(60),
    params:
        options=PLAN.corpus_options,
        annotations=PLAN.annotation_digest,
    message:
        "Prepare corpus {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.prepare_corpus"
        " --name {wildcards.corpus}"
        " --options {params.options:q}"
        " --output {output.tokens:q}"
        " --report {output.report:q}"
        " --audio {output.audio:q}"
        " --aligned {input.aligned:q}"
        " --workers {threads}"
        " &> {log:q}"


rule select_tokens:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        embeddings=PLAN.lacking_embeddings,
        code=PLAN.code("select_tokens"),
    output:
        selected="<results>/corpora/{corpus}/selected.parquet",
        coverage="<results>/corpora/{corpus}/coverage.parquet",
    log:
        "<logs>/select_tokens/{corpus}.log",
    benchmark:
        "<benchmarks>/select_tokens/{corpus}.jsonl"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=resources.selection_memory,
        runtime=resources.grow(20),
    message:
        "Select the tokens of {wildcards.corpus} that all compared models have"
    shell:
        "python -m groundscope.commands.select_tokens"
        " --corpus {wildcards.corpus}"
        " --tokens {input.tokens:q}"
        " --embeddings {input.embeddings:q}"
        " --output {output.selected:q}"
        " --coverage {output.coverage:q}"
        " &> {log:q}"
