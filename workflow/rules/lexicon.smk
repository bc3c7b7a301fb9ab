# Related words. Requires: token tables, pronunciations. Makes: <results>/word_map/
# build_word_map  synonyms, near and true homophones, words of one category


rule build_word_map:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        files=PLAN.word_map_files,
        code=PLAN.code("build_word_map"),
    output:
        word_map=ensure("<results>/word_map/{corpus}.parquet", non_empty=True),
        report="<results>/word_map/{corpus}-report.parquet",
    log:
        "<logs>/build_word_map/{corpus}.log",
    benchmark:
        "<benchmarks>/build_word_map/{corpus}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    threads: 2
    resources:
        mem_mb=resources.grow(2000),
        runtime=resources.grow(30),
    params:
        options=PLAN.word_map_options,
    message:
        "Find the related words of {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.build_word_map"
        " --corpus {wildcards.corpus}"
        " --options {params.options:q}"
        " --tokens {input.tokens:q}"
        " --output {output.word_map:q}"
        " --report {output.report:q}"
        " --workers {threads}"
        " &> {log:q}"
