using System.Buffers;

namespace AgentLightning.Datasets.Building;

/// <summary>Makes the rows of one kind out of episodes of one unit: those that can become part of one row.</summary>
internal abstract class RowMaker
{
    /// <summary>Writes the rows of a unit to the sink, and tells it what is left out.</summary>
    public abstract void Make(ReadOnlySpan<UnitMember> unit, DatasetSide side, RowSink sink);

    public static RowMaker Of(DatasetRequest request) =>
        request.Kind switch
        {
            DatasetKind.Chat => new ChatRowMaker(new EpisodeConversation(request.SystemPrompt, request.IncludeTools)),
            DatasetKind.Preference => new PreferenceRowMaker(new EpisodeConversation(request.SystemPrompt, request.IncludeTools)),
            DatasetKind.Prompts => new PromptRowMaker(new EpisodeConversation(request.SystemPrompt, request.IncludeTools)),
            _ => new ClassificationRowMaker(),
        };

    /// <summary>The session of the episodes where it is one, and the input's key otherwise.</summary>
    protected static string KeyOf(ReadOnlySpan<UnitMember> made)
    {
        var session = made[0].Content.Session;
        foreach (var member in made)
        {
            if (member.Content.Session != session)
            {
                return made[0].Content.InputKey;
            }
        }

        return session ?? made[0].Content.InputKey;
    }

    /// <summary>Up to the messages before the answer.</summary>
    protected static void Begin(ArrayBufferWriter<byte> target, string key, DatasetSide side)
    {
        target.Write("{\"key\":"u8);
        target.WriteText(key);
        target.Write(side == DatasetSide.Train ? ",\"side\":\"train\",\"messages\":["u8 : ",\"side\":\"validation\",\"messages\":["u8);
    }

    /// <summary>From the episodes on.</summary>
    protected static void End(ArrayBufferWriter<byte> target, ReadOnlySpan<UnitMember> made, bool ids = true)
    {
        if (ids)
        {
            target.Write(",\"episode_ids\":["u8);
            for (var i = 0; i < made.Length; i++)
            {
                target.Write(i == 0 ? ""u8 : ","u8);
                target.WriteText(made[i].Content.Id);
            }

            target.Write("]"u8);
        }

        if (made[0].Content.Slice is { } slice)
        {
            target.Write(",\"slice\":"u8);
            target.WriteText(slice);
        }

        target.Write("}\n"u8);
    }

    /// <summary>Messages without the comma behind the last.</summary>
    protected static ReadOnlySpan<byte> List(ReadOnlySpan<byte> context) => context.IsEmpty ? context : context[..^1];
}
