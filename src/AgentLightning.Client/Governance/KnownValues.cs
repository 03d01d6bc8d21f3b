namespace AgentLightning.Governance;

/// <summary>
/// Looks for values that were found elsewhere in the same record, whole or cut short: an answer may repeat a password without saying that
/// it is one, and an excerpt may end in the middle of a key.
/// </summary>
internal static class KnownValues
{
    private const int Shortest = 6;
    private const int ShortestWord = 10;
    private const int ShortestCut = 4;
    private const int Most = 64;

    public static void Remember(ref List<KnownValue>? known, ReadOnlySpan<char> value, FindingKind kind)
    {
        // A short word is found by chance.
        if (
            value.Length < Shortest
            || (value.Length < ShortestWord && !value.ContainsAnyInRange('0', '9') && kind is FindingKind.Redacted)
            || known?.Count >= Most
        )
        {
            return;
        }

        foreach (var other in known ?? [])
        {
            if (value.SequenceEqual(other.Value))
            {
                return;
            }
        }

        (known ??= []).Add(new KnownValue(value.ToString(), kind));
    }

    public static void Find(ReadOnlySpan<char> text, List<KnownValue> known, ref List<Finding>? found)
    {
        foreach (var (value, kind) in known)
        {
            for (var i = 0; text[i..].IndexOf(value, StringComparison.Ordinal) is >= 0 and var at; )
            {
                i += at;
                if (TextEdges.BeginsWord(text, i) && TextEdges.EndsWord(text, i + value.Length))
                {
                    (found ??= []).Add(new Finding(i, i + value.Length, kind));
                }

                i += value.Length;
            }
        }

        for (var i = 0; i < text.Length && text[i..].IndexOfAny('…', '.') is >= 0 and var at; i++)
        {
            i += at;
            if (text[i] == '…' || text[i..].StartsWith("...", StringComparison.Ordinal))
            {
                FindCut(text, i, known, ref found);
                i += text[i] == '…' ? 0 : 2;
            }
        }
    }

    private static void FindCut(ReadOnlySpan<char> text, int end, List<KnownValue> known, ref List<Finding>? found)
    {
        foreach (var (value, kind) in known)
        {
            for (var length = Math.Min(value.Length - 1, end); length >= ShortestCut; length--)
            {
                if (
                    text[end - 1] == value[length - 1]
                    && text[..end].EndsWith(value.AsSpan(0, length))
                    && TextEdges.BeginsWord(text, end - length)
                )
                {
                    (found ??= []).Add(new Finding(end - length, end, kind));
                    break;
                }
            }
        }
    }
}
