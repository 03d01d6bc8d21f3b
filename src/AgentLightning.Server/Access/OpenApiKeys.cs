using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AgentLightning.Server.Access;

/// <summary>Tells the OpenAPI document how a key is sent, and with which role an operation can be called.</summary>
internal static class OpenApiKeys
{
    private const string Bearer = "bearer";
    private const string Header = "x-api-key";

    public static void AddKeys(this OpenApiOptions options)
    {
        options.AddDocumentTransformer(
            (document, _, _) =>
            {
                document.Components ??= new OpenApiComponents();
                document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
                {
                    [Bearer] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.Http,
                        Scheme = Bearer,
                        Description = "A key that 'lightning keys create' made. On loopback, a server may run without keys.",
                    },
                    [Header] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.ApiKey,
                        In = ParameterLocation.Header,
                        Name = Header,
                        Description = "The same key in a header of its own.",
                    },
                };
                return Task.CompletedTask;
            }
        );
        options.AddOperationTransformer(
            (operation, context, _) =>
            {
                if (context.Description.ActionDescriptor.EndpointMetadata.OfType<AccessRule>().LastOrDefault() is { Role: { } role })
                {
                    var more = operation.Description is null ? "." : $". {operation.Description}";
                    operation.Description = $"Asks for the role {role.ToString().ToLowerInvariant()}{more}";
                    operation.Security = [Requirement(Bearer, context), Requirement(Header, context)];
                }

                return Task.CompletedTask;
            }
        );
    }

    private static OpenApiSecurityRequirement Requirement(string scheme, OpenApiOperationTransformerContext context) =>
        new() { [new OpenApiSecuritySchemeReference(scheme, context.Document)] = [] };
}
