using System.Buffers;

namespace AgentLightning.Datasets.Building;

/// <summary>An input with what was answered to it: <see cref="PromptRow"/>. A reviewer's last correction is what is expected.</summary>
internal sealed class PromptRowMaker(EpisodeConversation conversation) : RowMaker
{
    public override void Make(ReadOnlySpan<UnitMember> unit, DatasetSide side, RowSink sink)
    {
        foreach (var answers in GivenAnswer.Group(unit, conversation, sink))
        {
            UnitMember[] made = [.. answers.Select(answer => answer.Member)];
            if (!sink.Takes(side, answers[0].Signature, StableHash.OfWords(answers[0].Context), made.Length))
            {
                continue;
            }

            var target = sink.Buffer;
            Begin(target, KeyOf(made), side);
            target.Write(List(answers[0].Context));
            target.Write("],\"expected\":"u8);
            if (made.LastOrDefault(member => member.Corrected).Content?.Correction is { } correction)
            {
                target.WriteText(correction);
            }
            else
            {
                target.Write("null"u8);
            }

            target.Write(",\"answers\":["u8);
            for (var i = 0; i < answers.Count; i++)
            {
                Write(target, answers[i], i == 0);
            }

            target.Write("]"u8);
            End(target, made, ids: false);
            sink.Wrote(side, made);
        }
    }

    private static void Write(ArrayBufferWriter<byte> target, GivenAnswer answer, bool first)
    {
        var content = answer.Member.Content;
        target.Write(first ? "{\"episode_id\":"u8 : ",{\"episode_id\":"u8);
        target.WriteText(content.Id);
        target.Write(",\"action\":"u8);
        // An answer that only calls tools has no text of its own.
        target.WriteText(content.Output.Length > 0 ? content.Output : answer.Text);
        target.Write(",\"log_probability\":"u8);
        target.WriteNumber(content.LogProbability ?? 0);
        target.Write(",\"reward\":"u8);
        target.WriteNumber(answer.Member.Reward);
        target.Write("}"u8);
    }
}
