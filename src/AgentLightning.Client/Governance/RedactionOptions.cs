using AgentLightning.Common;

namespace AgentLightning.Governance;

/// <summary>What is taken out of an agent's texts.</summary>
/// <param name="Secrets">Passwords, keys and tokens.</param>
/// <param name="Pii">E-mail and IP addresses, telephone, card and account numbers, national ids.</param>
public sealed record AgentRedaction(bool Secrets = true, bool Pii = true);

/// <summary>What is taken out of texts before they are written, and what stands in its place.</summary>
public sealed record RedactionOptions
{
    private const int ShortestKey = 16;

    /// <summary>Whether secrets are taken out; true by default.</summary>
    public bool Secrets { get; init; } = true;

    /// <summary>Whether personal data are taken out; true by default.</summary>
    public bool Pii { get; init; } = true;

    /// <summary>What holds for one agent instead, by <c>agent_id</c>; empty by default.</summary>
    public IReadOnlyDictionary<string, AgentRedaction> Agents { get; init; } = new Dictionary<string, AgentRedaction>();

    /// <summary>
    /// With a key of at least 16 characters a placeholder becomes a pseudonym such as <c>[EMAIL:ab12cd34]</c>: the same value gets the same
    /// one. Null, the default, gives <c>[EMAIL]</c>.
    /// </summary>
    public string? PseudonymKey { get; init; }

    /// <summary>Keeps the key out of logs and messages, where records are printed whole.</summary>
    public override string ToString() =>
        $"RedactionOptions {{ Secrets = {Secrets}, Pii = {Pii}, Agents = {Agents.Count}, PseudonymKey = "
        + $"{(PseudonymKey is null ? "none" : "set")} }}";

    internal void Validate()
    {
        if (PseudonymKey is { } key && (key.Length < ShortestKey || string.IsNullOrWhiteSpace(key)))
        {
            // The value is a secret: only its length is said.
            throw LightningException.Invalid(
                $"PseudonymKey of the redaction must have at least {ShortestKey} characters, but it has {key.Trim().Length}."
            );
        }
    }
}
