using AgentLightning.Access;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// OpenAI's routes, so that a changed base URL is all that an application needs: <c>/v1</c>, and below it a session, an agent, or both.
/// </summary>
internal static class GatewayEndpoints
{
    private static readonly string[] s_bases = ["/v1", "/v1/s/{session}", "/v1/a/{agent}", "/v1/a/{agent}/s/{session}"];

    public static void MapGateway(this IEndpointRouteBuilder routes)
    {
        foreach (var path in s_bases)
        {
            var group = routes.MapGroup(path).WithMetadata(new SpeaksOpenAi());
            Map(
                group,
                ModelRoute.Chat,
                "Answers a conversation, as OpenAI's chat completions do: by an upstream, or by an agent's release."
            );
            Map(group, ModelRoute.Completions, "Continues a text, as OpenAI's completions do.");
            Map(group, ModelRoute.Embeddings, "Gives embeddings of texts, as OpenAI's embeddings do.");
            Map(group, ModelRoute.Responses, "Answers by OpenAI's responses.");
            group
                .MapGet("/models", (ListModels models, Scope scope, CancellationToken cancellationToken) =>
                    models.ExecuteAsync(scope, cancellationToken)
                )
                .WithSummary("The models and agents that can be asked.")
                .RequiresRole(Role.Read);
        }
    }

    private static void Map(RouteGroupBuilder group, ModelRoute route, string summary) =>
        group
            .MapPost(route.Path(), (HttpContext context, ForwardModelCall call, Scope scope, CancellationToken cancellationToken) =>
                AnswerAsync(context, call, route, scope, cancellationToken)
            )
            .WithSummary(summary)
            .Accepts<Stream>("application/json")
            .Produces<Stream>(StatusCodes.Status200OK, "application/json", "text/event-stream")
            .RequiresRole(Role.Write);

    private static async Task AnswerAsync(
        HttpContext context,
        ForwardModelCall call,
        ModelRoute route,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var names = CallNames.Of(
                context.Request,
                context.Request.RouteValues["session"] as string,
                context.Request.RouteValues["agent"] as string
            );
            await call.ExecuteAsync(scope, context, route, names, cancellationToken);
        }
        catch (GatewayException e) when (!context.Response.HasStarted)
        {
            await OpenAiErrors.WriteAsync(context, e.Status, e.Code, e.Message, e.Param, e.RetryAfter);
        }
    }
}
