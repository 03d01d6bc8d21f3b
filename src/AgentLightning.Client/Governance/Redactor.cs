using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Governance;

/// <summary>The texts of a record after redaction, in their order.</summary>
/// <param name="Texts">The same list when nothing was found.</param>
/// <param name="Count">How many parts were taken out.</param>
public sealed record RedactedTexts(IReadOnlyList<string?> Texts, int Count);

/// <summary>
/// Takes secrets and personal data out of texts and puts placeholders in their place. A text that is JSON stays JSON. Redacting twice is
/// redacting once. Time and memory grow with the length of the text and not with what is in it. Any thread may call.
/// </summary>
public sealed class Redactor
{
    /// <summary>Taking something out may show something else; what is left gets shorter every time, so a few rounds are enough.</summary>
    private const int MostRounds = 6;

    private readonly RedactionOptions _options;
    private readonly AgentRedaction _default;
    private readonly Pseudonyms? _pseudonyms;

    public Redactor(RedactionOptions options)
    {
        options.Validate();
        _options = options;
        _default = new AgentRedaction(options.Secrets, options.Pii);
        _pseudonyms = options.PseudonymKey is null ? null : new Pseudonyms(options.PseudonymKey);
    }

    /// <summary>The text with placeholders; the same instance when nothing was found.</summary>
    /// <param name="agentId">Whose text it is, where agents have settings of their own.</param>
    public string Redact(string text, string? agentId = null)
    {
        var run = new RedactionRun(Settings(agentId), _pseudonyms);
        return Settle(text, ref run);
    }

    /// <summary>
    /// Redacts the texts of one record together: what is found in one is also taken out of the others, where it stands without a name, or
    /// cut short before "…".
    /// </summary>
    public RedactedTexts RedactRecord(IReadOnlyList<string?> texts, string? agentId = null)
    {
        var run = new RedactionRun(Settings(agentId), _pseudonyms);
        string?[]? changed = null;
        // Once to find, and if anything was found once more to find it everywhere.
        for (var pass = 0; pass < 2 && (pass == 0 || run.HasKnown); pass++)
        {
            run.LooksForKnown = pass == 1;
            for (var i = 0; i < texts.Count; i++)
            {
                var text = (changed ?? texts)[i];
                if (text is null || IsKnownToBeClean(changed ?? texts, i))
                {
                    continue;
                }

                var redacted = Settle(text, ref run);
                if (!ReferenceEquals(redacted, text))
                {
                    (changed ??= [.. texts])[i] = redacted;
                }
            }
        }

        return new RedactedTexts(changed ?? texts, run.Count);
    }

    /// <summary>
    /// What goes in and comes out of an episode stands in its messages again, as the same object: when nothing was taken out of it there,
    /// nothing is here.
    /// </summary>
    private static bool IsKnownToBeClean(IReadOnlyList<string?> texts, int at) =>
        at > 1 && (ReferenceEquals(texts[at], texts[0]) || ReferenceEquals(texts[at], texts[1]));

    /// <summary>
    /// True when <see cref="RedactRecord"/> would leave a JSON in UTF-8 and a name beside it as they are, which is so of nearly all spans:
    /// told without making a text of either.
    /// </summary>
    /// <param name="json">Valid JSON.</param>
    internal bool IsClean(ReadOnlySpan<byte> json, ReadOnlySpan<char> name, string? agentId)
    {
        var text = ArrayPool<char>.Shared.Rent(json.Length);
        try
        {
            var run = new RedactionRun(Settings(agentId), _pseudonyms);
            return run.Redact(text.AsSpan(0, Encoding.UTF8.GetChars(json, text)), default, 0, isJson: true) is null
                && run.Redact(name, default, 0) is null;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(text);
        }
    }

    /// <summary>
    /// Checks a name or id, which cannot be changed without changing what it names: one that holds a secret is
    /// <see cref="ErrorKind.Invalid"/>. The value is not told.
    /// </summary>
    /// <param name="name">How the message calls it.</param>
    /// <param name="agentId">Whose record it is, where agents have settings of their own.</param>
    public string? CheckName(string? value, string name, string? agentId = null)
    {
        if (value is null || !Settings(agentId).Secrets)
        {
            return value;
        }

        var run = new RedactionRun(new AgentRedaction(Secrets: true, Pii: false), null);
        return run.Redact(value, default, 0) is null
            ? value
            : throw LightningException.Invalid(
                $"{name} holds what looks like a secret. Give an id or a name that is none; it is kept as it is."
            );
    }

    /// <summary>
    /// What stands in place of the id of a user or a conversation that holds personal data: the same id gets the same name, so that its
    /// records stay together and can be deleted by it. Keyed when there is <see cref="RedactionOptions.PseudonymKey"/>; without one,
    /// whoever guesses an id can tell whether it is there.
    /// </summary>
    public string NameOfIdentifier(string id)
    {
        var bytes = Encoding.UTF8.GetBytes(id);
        var hash = _options.PseudonymKey is { } key ? HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), bytes) : SHA256.HashData(bytes);
        return $"[ID:{Convert.ToHexStringLower(hash.AsSpan(0, 8))}]";
    }

    /// <summary>
    /// An id of a user or a conversation as it is stored: as it came, or <see cref="NameOfIdentifier"/> when there is something to take out
    /// of it, or when it is longer than <see cref="Ids.LongestName"/>.
    /// </summary>
    public string? Identifier(string? id, string? agentId = null) =>
        id is null || (id.Length <= Ids.LongestName && ReferenceEquals(Redact(id, agentId), id)) ? id : NameOfIdentifier(id);

    private AgentRedaction Settings(string? agentId) =>
        agentId is not null && _options.Agents.TryGetValue(agentId, out var own) ? own : _default;

    private static string Settle(string text, ref RedactionRun run)
    {
        for (var round = 0; round < MostRounds && run.Redact(text, default, 0) is { } redacted; round++)
        {
            text = redacted;
        }

        return text;
    }
}
