// A shop's agent. With OPENAI_BASE_URL (and OPENAI_API_KEY, OPENAI_MODEL) a model answers; without, a few scripted lines do.
// The address of the Lightning server is the first argument; questions come one a line from standard input.
using System.ClientModel;
using AgentLightning.Client;
using ChatAgent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using OpenAI;

var model = Environment.GetEnvironmentVariable("OPENAI_BASE_URL") is { Length: > 0 } url
    ? new OpenAIClient(
        new ApiKeyCredential(Environment.GetEnvironmentVariable("OPENAI_API_KEY") ?? "none"),
        new OpenAIClientOptions { Endpoint = new Uri(url) }
    )
        .GetChatClient(Environment.GetEnvironmentVariable("OPENAI_MODEL") ?? "gpt-4o-mini")
        .AsIChatClient()
    : new ScriptedChatClient();
var findOrder = AIFunctionFactory.Create((string number) => $"order {number}: on its way", "find_order", "State of an order");

// The three lines that capture.
await using var services = new ServiceCollection()
    .AddLightning(options => (options.Endpoint, options.AgentId) = (new Uri(args[0]), "shop"))
    .BuildServiceProvider();
var tracker = services.GetRequiredService<AgentTracker>();
using var agent = model.AsBuilder().UseFunctionInvocation().Build().UseLightning(services);

var conversation = new List<ChatMessage>();
while (Console.ReadLine() is { Length: > 0 } question)
{
    conversation.Add(new ChatMessage(ChatRole.User, question));
    var answer = await agent.GetResponseAsync(conversation, new ChatOptions { ConversationId = "sample", Tools = [findOrder] });
    conversation.AddMessages(answer);
    Console.WriteLine($"{answer.GetEpisodeId()}\t{answer.Messages[^1].Text}");
    // A good answer names the order; a person's thumb would be the same call.
    tracker.UpdateReward(answer.GetEpisodeId()!, answer.Text.Contains("42", StringComparison.Ordinal) ? 1 : 0, "order_named");
}
