using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Feedback;
using AgentLightning.Lookup;
using AgentLightning.Server.Feedback;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning feedback</c>: what people did or said about messages.</summary>
internal static class FeedbackCommand
{
    public static Command Create() =>
        new("feedback", "Lists, gives and counts feedback on messages.") { CreateList(), CreateAdd(), CreateStats() };

    private static Command CreateList()
    {
        var agentId = new Option<string?>("--agent-id") { Description = "Only feedback on this agent." };
        var episodeId = new Option<string?>("--episode-id") { Description = "Only feedback on this episode." };
        return new ListCommand(RecordKind.Feedback, "Only feedback older than this", most: 20).Create(
            "list",
            "Lists feedback, newest first. Example: lightning feedback list --agent-id chat --limit 5",
            [agentId, episodeId],
            async (parsed, opened, place, cancellationToken) =>
                await opened.Feedback.ListAsync(
                    new FeedbackQuery(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Episode, parsed.GetValue(episodeId), cancellationToken),
                        place.Limit,
                        place.Before
                    ),
                    cancellationToken
                ),
            TableOf
        );
    }

    private static RecordTable TableOf(FeedbackListResponse list)
    {
        var table = new RecordTable(
            new("id", ColumnKind.Id, Spare: 4),
            new("given", ColumnKind.Fixed, Spare: 2),
            new("message", ColumnKind.Fixed),
            new("user", Spare: 3),
            new("type", ColumnKind.Fixed),
            new("0..1", ColumnKind.Fixed),
            new("comment"),
            new("counts", ColumnKind.Fixed, Spare: 1)
        );
        foreach (var item in list.Feedback)
        {
            table.Add(
                item.FeedbackId,
                item.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                item.MessageId,
                item.UserId ?? "",
                item.FeedbackType,
                item.RewardScore.ToString("0.00", CultureInfo.InvariantCulture),
                item.Comment,
                item.IsCurrent ? "yes" : "superseded"
            );
        }
        return table;
    }

    private static Command CreateAdd()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var messageId = new Option<string>("--message-id")
        {
            Description = "The message: the message_id of an episode, such as a response's id, or an episode's own id.",
            Required = true,
        };
        var type = new Option<string>("--type")
        {
            Description = $"What was done: {string.Join(", ", FeedbackTypes.All)}.",
            Required = true,
        };
        var rating = new Option<int?>("--rating") { Description = "1 to 5 stars." };
        var comment = new Option<string?>("--comment") { Description = "What was said, at most 1000 characters." };
        var user = new Option<string?>("--user") { Description = "Who gives it; somebody who is not known by default." };
        var feedbackId = new Option<string?>("--feedback-id") { Description = "An id of your own: the same id twice is one record." };
        var command = new Command("add", "Gives feedback on a message. Example: lightning feedback add --message-id UUID --type thumbs_up")
        {
            messageId,
            type,
            rating,
            comment,
            user,
            feedbackId,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var body = new ChatFeedbackBody(
                    parsed.GetValue(messageId),
                    parsed.GetValue(type),
                    parsed.GetValue(rating),
                    parsed.GetValue(comment),
                    null,
                    null,
                    null,
                    parsed.GetValue(feedbackId),
                    null
                );
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var given = await opened.Feedback.GiveAsync(body, parsed.GetValue(user), cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(given);
                }
                else
                {
                    var meaning = RewardCalculator.Explain(given.RewardScore);
                    Terminal.Results.MarkupLineInterpolated(
                        CultureInfo.InvariantCulture,
                        $"Message {given.MessageId} has the reward [bold]{given.RewardScore:0.00}[/] of 0..1: {meaning}"
                    );
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command CreateStats()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var agentId = new Option<string?>("--agent-id") { Description = "Only feedback on this agent." };
        var days = new Option<int>("--days") { Description = "How many days, today included, 1 to 366.", DefaultValueFactory = _ => 7 };
        var command = new Command("stats", "Counts the feedback of the last days by type. Example: lightning feedback stats --days 30")
        {
            agentId,
            days,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var stats = await opened.Feedback.CountAsync(parsed.GetValue(agentId), parsed.GetValue(days), cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(stats);
                    return ExitCodes.Success;
                }

                var table = new Table().AddColumns("type", "count", "average reward 0..1");
                foreach (var row in stats.ByType)
                {
                    table.AddRow(
                        row.FeedbackType,
                        row.Count.ToString(CultureInfo.InvariantCulture),
                        row.AvgReward.ToString("0.000", CultureInfo.InvariantCulture)
                    );
                }

                table.AddRow(
                    "all",
                    stats.TotalFeedback.ToString(CultureInfo.InvariantCulture),
                    stats.AvgReward.ToString("0.000", CultureInfo.InvariantCulture)
                );
                Terminal.Results.Write(table);
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
