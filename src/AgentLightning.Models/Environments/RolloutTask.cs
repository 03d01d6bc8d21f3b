using System.Text.Json;

namespace AgentLightning.Models.Environments;

/// <summary>Something to be done by a model, as it begins.</summary>
/// <param name="Id">Tells it from others; attempts at one task are judged against each other.</param>
/// <param name="Prompt">Token ids, at least one.</param>
/// <param name="Item">What is known of it beside the prompt, for whoever judges, such as the right answer; undefined when there is
/// nothing.</param>
public sealed record RolloutTask(string Id, int[] Prompt, JsonElement Item = default);
