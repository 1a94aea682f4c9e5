internal import FeatureStore
internal import NIOSSL

extension NIOSSLCertificate {
    /// What `access.principals.X.certificates` may name: the common names of the subject, and the alternative names.
    var names: [CertificateName] {
        var names = subjectName.filter { $0.type == .commonName }.map { CertificateName(.cn, $0.value) }
        for name in _subjectAlternativeNames() {
            let value = String(decoding: name.contents, as: UTF8.self)
            switch name.nameType {
            case .dnsName: names.append(CertificateName(.dns, value))
            case .uri: names.append(CertificateName(.uri, value))
            case .email: names.append(CertificateName(.email, value))
            default: continue
            }
        }
        return names
    }
}
