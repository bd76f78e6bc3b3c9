# Noisy label files with their audits: one per data set, noise and noise seed, shared by all losses.


rule labels:
    input:
        labels_input,
    output:
        labels=paths.LABELS / "{dataset}" / "{labels}.npz",
        audit=paths.LABELS / "{dataset}" / "{labels}.json",
    log:
        paths.LABELS / "{dataset}" / "{labels}.log",
    conda:
        "../../envs/labelnoise.yaml"
    params:
        labelnoise=LABELNOISE,
        spec=lambda wildcards: label_job(wildcards)["spec"],
        source=lambda wildcards: label_job(wildcards)["source"],
    shell:
        "{params.labelnoise} noise --spec {params.spec:q} {params.source:q} --out {output.labels:q} > {log:q} 2>&1"
