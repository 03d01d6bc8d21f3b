using System.Text.Json;

namespace AgentLightning.Server.Gateway;

/// <summary>Reads answers of the responses route: one object, or events of which the last holds it.</summary>
internal static class ResponseReading
{
    public static void Take(AnswerReading answer, ChoiceReading choice, JsonElement data)
    {
        var type = EpisodeTexts.Member(data, "type");
        if (data.TryGetProperty("response", out var response) && response.ValueKind == JsonValueKind.Object)
        {
            TakeHead(answer, response);
            return;
        }

        switch (type)
        {
            case "response.output_text.delta":
                choice.AddText(EpisodeTexts.Member(data, "delta"));
                break;
            case "response.output_item.done" when data.TryGetProperty("item", out var item):
                TakeCall(choice, item, Index(data));
                break;
            case null when data.TryGetProperty("output", out var output) && output.ValueKind == JsonValueKind.Array:
                TakeHead(answer, data);
                var place = 0;
                foreach (var one in output.EnumerateArray())
                {
                    TakeText(choice, one);
                    TakeCall(choice, one, place++);
                }

                break;
            case null or "error":
                TakeHead(answer, data);
                break;
        }
    }

    private static void TakeHead(AnswerReading answer, JsonElement response)
    {
        answer.TakeHead(response, "usage", "input_tokens", "output_tokens");
        answer.Finish(EpisodeTexts.Member(response, "status"));
    }

    private static void TakeText(ChoiceReading choice, JsonElement item)
    {
        if (EpisodeTexts.Member(item, "type") == "message" && item.TryGetProperty("content", out var content))
        {
            choice.AddText(EpisodeTexts.Content(content));
        }
    }

    private static void TakeCall(ChoiceReading choice, JsonElement item, int index)
    {
        if (EpisodeTexts.Member(item, "type") == "function_call")
        {
            choice.AddCall(
                index,
                EpisodeTexts.Member(item, "call_id"),
                EpisodeTexts.Member(item, "name"),
                EpisodeTexts.Member(item, "arguments")
            );
        }
    }

    private static int Index(JsonElement data) =>
        data.TryGetProperty("output_index", out var index) && index.TryGetInt32(out var number) ? number : 0;
}
