namespace AgentLightning.Governance;

/// <summary>
/// The texts of one record on their way through redaction. Each is asked for again by what its <see cref="Add"/> gave, so that no text can
/// come back under another's name.
/// </summary>
public sealed class RecordTexts
{
    private readonly List<string?> _texts = [];

    /// <summary>Takes a text, or none, and tells by what it is asked for.</summary>
    public Slot Add(string? text)
    {
        _texts.Add(text);
        return new Slot(_texts.Count - 1);
    }

    /// <summary>Redacts them together, as <see cref="Redactor.RedactRecord(IReadOnlyList{string?}, string?)"/> does.</summary>
    public Redacted Redact(Redactor redactor, string? agentId)
    {
        var redacted = redactor.RedactRecord(_texts, agentId);
        return new Redacted(redacted.Texts, redacted.Count);
    }

    /// <summary>A text's place.</summary>
    public readonly record struct Slot(int Index);

    /// <summary>The texts as they may be stored.</summary>
    /// <param name="Count">How many parts were taken out.</param>
    public readonly record struct Redacted(IReadOnlyList<string?> Texts, int Count)
    {
        /// <summary>The text that was added there.</summary>
        public string? this[Slot slot] => Texts[slot.Index];
    }
}
