namespace AgentLightning.Datasets.Building;

/// <summary>An answer to an input, and what it was an answer to.</summary>
/// <param name="Context">The messages before it, each with a comma after it.</param>
/// <param name="Text">The message, as JSON.</param>
/// <param name="Signature">Of the input.</param>
internal sealed record GivenAnswer(UnitMember Member, byte[] Context, byte[] Text, byte[] Signature)
{
    /// <summary>The answers of a unit by what came before them: the same words in another conversation are another input.</summary>
    public static IEnumerable<IReadOnlyList<GivenAnswer>> Group(
        ReadOnlySpan<UnitMember> unit,
        EpisodeConversation conversation,
        RowSink sink
    )
    {
        var groups = new Dictionary<ulong, List<GivenAnswer>>();
        foreach (var member in unit)
        {
            if (!conversation.TryRead(member.Content))
            {
                sink.Excluded.Add(ExclusionReason.NoAnswer);
                continue;
            }

            var signature = new byte[InputSignature.Length];
            conversation.Sign(member.Content, signature);
            var hash = conversation.ContextHash;
            if (!groups.TryGetValue(hash, out var group))
            {
                groups.Add(hash, group = []);
            }

            group.Add(new GivenAnswer(member, conversation.Context.ToArray(), conversation.Answer.ToArray(), signature));
        }

        return groups.Values;
    }
}
