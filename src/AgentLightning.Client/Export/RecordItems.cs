using AgentLightning.Episodes;

namespace AgentLightning.Client.Export;

/// <summary>An episode that the application made.</summary>
internal sealed class EpisodeItem(Episode episode) : CaptureItem
{
    public override long Size =>
        512
        + (
            2L
            * (
                episode.UserInput.Length
                + episode.AssistantOutput.Length
                + episode.Messages.Sum(message => message.Content?.Length ?? 0)
                + episode.ToolCalls.Sum(call => (call.Arguments?.Length ?? 0) + (call.Result?.Length ?? 0))
            )
        );

    public override void Write(Batch batch) => batch.Add(episode);
}

/// <summary>A reward.</summary>
internal sealed class RewardItem(CapturedReward reward) : CaptureItem
{
    public override long Size => 256;

    public override void Write(Batch batch) => batch.Add(reward);
}
