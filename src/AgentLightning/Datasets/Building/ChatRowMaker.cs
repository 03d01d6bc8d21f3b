using System.Buffers;

namespace AgentLightning.Datasets.Building;

/// <summary>A conversation for each episode: <see cref="ChatRow"/>. What a reviewer corrected is learned as it was corrected.</summary>
internal sealed class ChatRowMaker(EpisodeConversation conversation) : RowMaker
{
    public override void Make(ReadOnlySpan<UnitMember> unit, DatasetSide side, RowSink sink)
    {
        var member = unit[0];
        var correction = member.Corrected ? member.Content.Correction : null;
        if (!conversation.TryRead(member.Content, correction))
        {
            sink.Excluded.Add(ExclusionReason.NoAnswer);
            return;
        }

        Span<byte> signature = stackalloc byte[InputSignature.Length];
        conversation.Sign(member.Content, signature);
        var context = conversation.Context;
        var answer = conversation.Answer;
        if (!sink.Takes(side, signature, StableHash.Of(answer, StableHash.Of(context)), 1))
        {
            return;
        }

        var target = sink.Buffer;
        Begin(target, KeyOf(unit), side);
        target.Write(context);
        target.Write(answer);
        target.Write("]"u8);
        if (member.Content.Tools is { } tools)
        {
            target.Write(",\"tools\":"u8);
            target.Write(tools);
        }

        target.Write(",\"reward\":"u8);
        target.WriteNumber(correction is null ? member.Reward : 1);
        End(target, unit);
        sink.Wrote(side, unit);
    }
}
