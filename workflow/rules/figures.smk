# Figures and the summary. Requires: gathered tables. Makes: <results>/figures/{corpus}/, summary
# 1. plot_*         one figure a kind and corpus, as SVG (in the report), PDF and PNG
# 2. write_summary  findings, warnings, figures, methods, coverage, provenance: one page

for kind in figures.kinds(STUDY):

    rule:
        name:
            f"plot_{kind.name}"
        input:
            tables=expand(
                "<results>/tables/{table}.parquet", table=figures.tables(STUDY, kind)
            ),
            code=PLAN.code(f"plot_{kind.name}"),
        output:
            svg=report(
                f"<results>/{kind.file}.svg",
                caption=f"../report/{kind.name}.rst",
                category=kind.category,
                labels=kind.labels,
            ),
            pdf=f"<results>/{kind.file}.pdf",
            png=f"<results>/{kind.file}.png",
        log:
            f"<logs>/plot_{kind.name}/{kind.file}.log",
        benchmark:
            f"<benchmarks>/plot_{kind.name}/{kind.file}.jsonl"
        conda:
            "../../envs/figures.yaml"
        resources:
            mem_mb=resources.grow(1000),
            runtime=resources.grow(20),
        params:
            kind=kind.name,
            options=figures.options(STUDY),
        message:
            "Draw {params.kind} of {wildcards.corpus}"
        shell:
            "python -m groundscope.commands.plot_{params.kind}"
            " --tables {input.tables:q}"
            " --options {params.options:q}"
            " --output {output.svg:q} {output.pdf:q} {output.png:q}"
            " &> {log:q}"


rule write_summary:
    input:
        tables=figures.summary_tables(STUDY),
        tokens=figures.token_tables(STUDY),
        lists=PLAN.summary_lists,
        manifests=figures.manifests(STUDY),
        embeddings=figures.vectors(STUDY),
        figures=figures.shown(STUDY),
        captions=figures.captions(STUDY, Path(workflow.basedir)),
        code=PLAN.code("write_summary"),
    output:
        html=report(
            "<results>/tables/summary.html",
            caption="../report/summary.rst",
            category="Summary",
            labels={"table": "Findings, coverage, provenance"},
        ),
    log:
        "<logs>/write_summary.log",
    benchmark:
        "<benchmarks>/write_summary.jsonl"
    conda:
        "../../envs/figures.yaml"
    resources:
        mem_mb=resources.grow(1000),
        runtime=resources.grow(20),
    params:
        # a function: braces in the study's own texts are no wildcards
        options=partial(figures.summary_options, STUDY),
    message:
        "Summarise the study in words and numbers"
    shell:
        "python -m groundscope.commands.write_summary"
        " --tables {input.tables:q}"
        " --tokens {input.tokens:q}"
        " --manifests {input.manifests:q}"
        " --embeddings {input.embeddings:q}"
        " --figures {input.figures:q}"
        " --captions {input.captions:q}"
        " --options {params.options:q}"
        " --output {output.html:q}"
        " &> {log:q}"


rule figures:
    input:
        figures.files(STUDY),
        rules.write_summary.output,
