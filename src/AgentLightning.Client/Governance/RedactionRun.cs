using System.Text;

namespace AgentLightning.Governance;

/// <summary>One text, or the texts of one record, on their way through redaction: what is wanted, and what was found so far.</summary>
internal struct RedactionRun(AgentRedaction what, Pseudonyms? pseudonyms)
{
    /// <summary>
    /// JSON in a string in JSON: each level doubles the strokes before quotes, so deeper than this is nothing that a program wrote.
    /// </summary>
    private const int DeepestNesting = 16;

    private List<KnownValue>? _known;

    /// <summary>How many parts were taken out.</summary>
    public int Count { get; private set; }

    public readonly bool Secrets => what.Secrets;

    /// <summary>A name is clean for good only where everything was looked for, and nothing of this record.</summary>
    private readonly bool MayUseNames => what is { Secrets: true, Pii: true } && !LooksForKnown;

    /// <summary>From now on, what was found before is also looked for as such.</summary>
    public bool LooksForKnown { get; set; }

    public readonly bool HasKnown => _known is not null;

    /// <summary>
    /// Whether there is nothing to take out of the name of a property, as was seen before; <paramref name="isSecret"/> tells what the name
    /// says of its value.
    /// </summary>
    public readonly bool IsCleanName(ReadOnlySpan<char> name, out bool isSecret)
    {
        isSecret = false;
        return MayUseNames && CleanNames.TryGet(name, out isSecret);
    }

    /// <summary>Takes note of the name of a property, so that it is not looked through each time it comes again.</summary>
    public readonly void RememberName(ReadOnlySpan<char> name, bool isClean, bool isSecret)
    {
        if (isClean && MayUseNames)
        {
            CleanNames.Add(name, isSecret);
        }
    }

    /// <summary>The text without what was found, or null when nothing was.</summary>
    /// <param name="isJson">True when it is known to be JSON from its first character to its last.</param>
    public string? Redact(ReadOnlySpan<char> text, ReadOnlySpan<char> key, int nesting, bool isJson = false)
    {
        if (text.Length < 3)
        {
            return null;
        }

        var json =
            isJson ? 0
            : nesting < DeepestNesting ? JsonText.Begin(text)
            : -1;
        if (json < 0)
        {
            return RedactText(text, key);
        }

        var before = json == 0 ? null : RedactText(text[..json], key);
        var after = new JsonWalk(text[json..], nesting).Run(ref this);
        return before is null && after is null ? null : string.Concat(before ?? text[..json], after ?? text[json..]);
    }

    /// <summary>What stands in place of a value that is secret for its name; null where nothing is to be hidden.</summary>
    public string? Hide(ReadOnlySpan<char> value)
    {
        if (value.IsWhiteSpace() || Placeholder.Is(value))
        {
            return null;
        }

        Count++;
        KnownValues.Remember(ref _known, value, FindingKind.Redacted);
        return Placeholder.Of(FindingKind.Redacted, value, pseudonyms);
    }

    /// <summary>What stands in place of a number of JSON, or null.</summary>
    public string? RedactNumber(ReadOnlySpan<char> number, ReadOnlySpan<char> key)
    {
        if (!what.Pii || number.Length < 7 || number.ContainsAnyExceptInRange('0', '9'))
        {
            return null;
        }

        Finding finding = new(0, number.Length, FindingKind.Card);
        if (!PersonalNumbers.IsCard(number) && !(PersonalNumbers.TryMatch(number, 0, key, out finding) && finding.End == number.Length))
        {
            return null;
        }

        Count++;
        KnownValues.Remember(ref _known, number, finding.Kind);
        return Placeholder.Of(finding.Kind, number, pseudonyms);
    }

    private string? RedactText(ReadOnlySpan<char> text, ReadOnlySpan<char> key)
    {
        List<Finding>? found = null;
        TextScan.Find(text, key, what, ref found);
        if (LooksForKnown && _known is not null)
        {
            KnownValues.Find(text, _known, ref found);
        }

        return found is null ? null : Write(text, found);
    }

    private string? Write(ReadOnlySpan<char> text, List<Finding> found)
    {
        found.Sort(
            (a, b) =>
                a.Start != b.Start ? a.Start - b.Start
                : a.End != b.End ? b.End - a.End
                : a.Kind - b.Kind
        );
        StringBuilder? output = null;
        var copied = 0;
        var placeholders = Placeholder.Any().EnumerateMatches(text);
        var hasPlaceholder = placeholders.MoveNext();
        for (var i = 0; i < found.Count; )
        {
            var (start, end, kind) = found[i];
            for (i++; i < found.Count && found[i].Start < end; i++)
            {
                // What overlaps goes as one, so that no part of either is left. The host behind "user:password@" only looks like an
                // address.
                end =
                    kind == FindingKind.Secret && found[i].Kind == FindingKind.Email && text[end..].StartsWith('@')
                        ? end
                        : Math.Max(end, found[i].End);
            }

            while (hasPlaceholder && placeholders.Current.Index + placeholders.Current.Length <= start)
            {
                hasPlaceholder = placeholders.MoveNext();
            }

            if (
                hasPlaceholder
                && placeholders.Current.Index < end
                && !(
                    placeholders.Current.Index >= start
                    && placeholders.Current.Index + placeholders.Current.Length <= end
                    && end - start > placeholders.Current.Length
                )
            )
            {
                continue;
            }

            var value = text[start..end];
            if (value.IsEmpty)
            {
                continue;
            }

            Count++;
            KnownValues.Remember(ref _known, value, kind);
            output = (output ?? new StringBuilder(text.Length)).Append(text[copied..start]).Append(Placeholder.Of(kind, value, pseudonyms));
            copied = end;
        }

        return output?.Append(text[copied..]).ToString();
    }
}
