namespace AgentLightning.Common;

/// <summary>
/// A short form of an id: its beginning, or its beginning and its end with <c>..</c> between. Ids that we make begin with the time, so that
/// those of one moment differ at their ends; the beginning is what an index finds.
/// </summary>
/// <param name="End">Empty when only the beginning is given.</param>
public sealed record ShortId(string Begin, string End)
{
    /// <summary>Fewest characters of a short form, without the points.</summary>
    public const int Least = 6;

    private const string Points = "..";
    private const int ShownAtBegin = 8;
    private const int ShownAtEnd = 4;

    /// <summary>Reads a short form; null for a text that is too short to be one.</summary>
    public static ShortId? TryParse(string text)
    {
        var points = text.LastIndexOf(Points, StringComparison.Ordinal);
        var form = points > 0 ? new ShortId(text[..points], text[(points + Points.Length)..]) : new ShortId(text, "");
        return form.Begin.Length + form.End.Length >= Least ? form : null;
    }

    /// <summary>Whether an id has this short form.</summary>
    public bool Matches(string id) =>
        id.Length >= Begin.Length + End.Length
        && id.StartsWith(Begin, StringComparison.Ordinal)
        && id.EndsWith(End, StringComparison.Ordinal);

    /// <summary>
    /// A short form for each id, of 14 characters where that tells all of them apart and of more where it does not. An id that is no longer
    /// than its form is its own.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Shorten(IEnumerable<string> ids)
    {
        var all = ids.ToHashSet(StringComparer.Ordinal);
        for (var end = ShownAtEnd; ; end++)
        {
            // One that is not shortened may still have the form of another.
            var longer = all.Where(id => id.Length >= ShownAtBegin + end).ToList();
            if (longer.Select(id => (id[..ShownAtBegin], id[^end..])).Distinct().Count() == longer.Count)
            {
                return all.ToDictionary(id => id, id => Form(id, end), StringComparer.Ordinal);
            }
        }
    }

    public override string ToString() => End.Length == 0 ? Begin : Begin + Points + End;

    private static string Form(string id, int end)
    {
        if (id.Length <= ShownAtBegin + Points.Length + end || !id.All(char.IsAscii))
        {
            return id;
        }

        // Points of the id itself may be taken for those of the form.
        var form = new ShortId(id[..ShownAtBegin], id[^end..]);
        return TryParse(form.ToString()) == form ? form.ToString() : id;
    }
}
