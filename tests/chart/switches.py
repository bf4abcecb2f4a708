"""Values of the chart that turn each of its switches on."""

from typing import Any

from tests.chart.helm import merged

SECURED: dict[str, Any] = {
    "kafka": {
        "securityProtocol": "SASL_SSL",
        "saslMechanism": "SCRAM-SHA-512",
        "secret": "leadflow-%s",
        "caSecret": "my-cluster-ca-cert",
    },
    "postgres": {"caSecret": "postgres-ca"},
}
SWITCHES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "secured": SECURED,
    "certificates": {
        "kafka": {
            "securityProtocol": "SSL",
            "secret": "leadflow-%s",
            "certificateKey": "user.crt",
            "keyKey": "user.key",
        },
        "postgres": {"certificateKey": "tls.crt", "keyKey": "tls.key", "passwordKey": ""},
    },
    "tokens": {
        "kafka": {
            "securityProtocol": "SASL_SSL",
            "saslMechanism": "OAUTHBEARER",
            "secret": "leadflow-%s",
            "oauth": {"tokenUrl": "https://id.example.com/token", "scope": "kafka"},
        }
    },
    "addresses in secrets": {"postgres": {"url": "", "urlKey": "uri"}},
    "an owner": {
        "migrations": {
            "adminSecret": "",
            "ownerUrl": "postgresql://leadflow_owner@postgres:5432/leadflow_%s",
            "ownerSecret": "leadflow-owner",
        }
    },
    "ingress": {"ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a": "b"}}},
    "gateway": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["a.example.com"]}},
    "open policies": {"networkPolicy": {"enabled": False}},
    "policies": {
        "networkPolicy": {
            "clients": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
            "monitoring": [{"namespaceSelector": {}}],
            "kafka": {"to": [{"podSelector": {}}], "ports": [9093]},
            "extraEgress": [{"ports": [{"protocol": "TCP", "port": 4318}]}],
        }
    },
    "scaled": merged(
        SECURED,
        {
            "defaults": {
                "api": {"autoscaling": {"enabled": True}},
                "consumers": {"autoscaling": {"enabled": True, "maxReplicas": 12}},
            }
        },
    ),
    "strimzi": merged(SECURED, {"strimzi": {"enabled": True, "cluster": "my-cluster"}}),
    "strimzi in a namespace of its own": merged(
        SECURED, {"strimzi": {"enabled": True, "cluster": "my-cluster", "namespace": "kafka"}}
    ),
    "cloudnativepg": {
        "cloudnativepg": {"enabled": True, "storage": {"storageClass": "fast"}},
        "migrations": {"adminSecret": "", "ownerUrl": "postgresql://leadflow_owner@pg/leadflow_%s", "ownerSecret": "o"},
    },
    "monitoring": {
        "networkPolicy": {"monitoring": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True},
        "dashboards": {"enabled": True},
    },
    "everything about pods": {
        "image": {"digest": "sha256:" + "0" * 64},
        "imagePullSecrets": [{"name": "registry"}],
        "oidc": {"tenantMap": {"8d1f": "acme"}, "roleMap": {"Admins": ["admin"], "Machines": "service"}},
        "defaults": {
            "api": {
                "env": [{"name": "A", "value": "b"}],
                "envFrom": [{"secretRef": {"name": "more"}}],
                "podAnnotations": {"a": "b"},
                "podLabels": {"c": "d"},
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "a", "operator": "Exists"}],
                "affinity": {"nodeAffinity": {}},
                "priorityClassName": "high",
                "volumes": [{"name": "v", "emptyDir": {}}],
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            },
            "workers": {"enabled": False},
        },
        "services": {"outreach": {"env": [{"name": "LEADFLOW_OUTREACH_SMTP_HOST", "value": "smtp"}]}},
        "test": {"tokenSecret": "token"},
        "otlpEndpoint": "http://otel:4318/v1/traces",
    },
}
